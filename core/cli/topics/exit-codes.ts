/** The topic `exit-codes`. */
export const text = `Exit codes

  0    done
  1    an error; one line on stderr, 'error: …', says what is wrong and what to do
  n    tsh ssh ends with the exit code of the remote command, or shell
  255  the remote command could not be started, or its session was refused

tctl access explain ends with 0 for ALLOW and 1 for DENY. tsh ssh on several nodes (see 'tsh help labels') ends with 0
only where all did. With --debug or TELEPORT_DEBUG=1 the causes of an error follow its line.
`;
