/** The topic `openssh`. */
export const text = `OpenSSH

Stock clients: tsh writes their configuration, for ssh, scp, sftp, rsync, git and Ansible.

  tsh login --proxy=proxy.example.com
  tsh config >> ~/.ssh/config
  ssh root@node1.example.com

Without tsh, an administrator signs a key and the user trusts the cluster's host authority:

  tctl auth sign --user=joe --format=openssh --out=joe
  tctl auth export --type=host >> ~/.ssh/known_hosts
  ssh -i joe -J root@proxy.example.com:3023 root@node1.example.com

Where the proxy records, the way is the subsystem, and the agent goes along to the proxy:

  Host *.example.com
    ProxyCommand ssh -A -p 3023 %r@proxy.example.com -s proxy:%h:%p

Stock servers: sshd is told to trust the cluster's users, and gets a certificate that users and proxies trust.

  tctl auth export --type=user | sed 's/^cert-authority //' > /etc/ssh/teleport-users.pub
  tctl auth sign --host=db1.example.com --format=openssh --out=/etc/ssh/teleport-host
  # /etc/ssh/sshd_config
  TrustedUserCAKeys /etc/ssh/teleport-users.pub
  HostKey /etc/ssh/teleport-host
  HostCertificate /etc/ssh/teleport-host-cert.pub

Such servers are not registered. With session_recording: proxy the proxy reaches them as it reaches nodes; otherwise
proxy_service.unregistered_targets lists those that it may connect to.
`;
