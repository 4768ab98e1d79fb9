/** The topic `roles`. */
export const text = `Roles

A user's roles decide where the user may log in, and what the user may see and change in the cluster.

  kind: role
  version: v3
  metadata: {name: developer}
  spec:
    options:
      max_session_ttl: 12h            # the shortest of all roles counts
      forward_agent: true             # any role may give these
      port_forwarding: true
      permit_x11_forwarding: false
      client_idle_timeout: 15m        # the shortest of all roles and the cluster counts
      disconnect_expired_cert: true
      max_connections: 10             # of one user in the whole cluster
      max_sessions: 5                 # on one connection
    allow:
      logins: [dev, "{{internal.logins}}"]
      node_labels: {env: [dev, "staging-*", "^test-[0-9]+$"]}
      rules:
        - resources: [session]
          verbs: [list, read]
          where: contains(session.participants, user.metadata.name)
    deny:
      logins: [root]
      node_labels: {env: prod}

What a role denies wins over everything that any role allows. A login needs one role that allows the login and fits all
labels of its node_labels; two roles never add up to one. '*': '*' fits every node, no labels at all fit none.
{{internal.logins}} and {{external.team}} stand for a user's traits.

Verbs: list create read readnosecrets update delete rotate, or '*'.

The cluster begins with four roles: admin, access (may log in), editor (may change settings), auditor (may read
sessions and events). A change of a role holds at once, also for sessions that run: those it no longer allows end.

  tctl create -f role.yaml
  tctl users update joe --set-roles=developer,auditor
  tctl access explain joe root@db1     # which rule decides, and what would have to change
  tctl access ls --user=joe
`;
