/** The topic `labels`. */
export const text = `Labels

Nodes carry labels: fixed ones, and results of commands that are run again and again.

  ssh_service:
    labels: {env: staging, team: db}
    commands:
      - {name: kernel, command: [/bin/uname, -r], period: 1h}

Roles decide by labels (see 'tctl help roles'), lists are filtered by them, and tsh can run a command on all nodes that
they fit, at once:

  tsh ls env=staging,team=db
  tsh ssh root@env=staging uptime      # ends with 0 only if it did so on every node

Label text: k=v,k2="v 2" with commas or semicolons between; quotes protect those. A command's result wins over a fixed
label of the same name; where the command fails, the value is the error.
`;
