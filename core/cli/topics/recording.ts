/** The topic `recording`. */
export const text = `Session recording

auth_service.session_recording says where sessions are recorded:

  node        by the node, which uploads the recording when the session is over (the default)
  proxy       by the proxy, which also records sessions on stock sshd; users forward their agent to the proxy
  node-sync   as node, but straight to the auth server; nothing stays on the node
  proxy-sync  as proxy, but straight to the auth server; nothing stays on the proxy
  off         nowhere; audit events are still written

In the sync modes output is shown once the auth server has it on disk. A session whose recording the auth server does
not take for 10 seconds ends and says so; what was taken of it is kept and can be played.

In the proxy modes proxy_checks_host_keys: yes (the default) lets the proxy connect only to servers whose host
certificate the cluster has signed. See 'tsh help openssh' for how to make one.

  tsh play <session id>                     # space pauses, arrows seek, + and - change the speed
  tsh play --from=1h --speed=4 <session id>
  tsh play --format=asciicast <session id> > session.cast
`;
