/**
 * Bash runs the start files of whoever runs the tests for every command over SSH, and those may take as long as they
 * like; an inner shell, as bash sees by SHLVL, reads none.
 */
export const INNER_SHELL = { name: "SHLVL", value: "9" } as const;

/** The same as a line of ssh_config and of sshd_config. */
export const SET_INNER_SHELL = `SetEnv ${INNER_SHELL.name}=${INNER_SHELL.value}`;
