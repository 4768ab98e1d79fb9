/** The topic `environment`. */
export const text = `Environment variables

For tsh, behind the flag of the same meaning:
  TELEPORT_PROXY, TELEPORT_USER, TELEPORT_LOGIN, TELEPORT_CLUSTER, TELEPORT_AUTH
  TELEPORT_HOME                   where profile and keys are, in place of ~/.tsh
  TELEPORT_ADD_KEYS_TO_AGENT      auto, always, no or only
  SSH_AUTH_SOCK                   the agent
  HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY    proxies on the way to the cluster

For teleport and tctl:
  TELEPORT_CONFIG                 teleport.yaml itself, in base64
  TELEPORT_DEBUG=1                show the causes of errors

Inside of a session:
  SSH_SESSION_ID, SSH_TELEPORT_USER, SSH_TELEPORT_CLUSTER_NAME, SSH_TELEPORT_HOST_UUID, SSH_SESSION_WEBPROXY_ADDR
`;
