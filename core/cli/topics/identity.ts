/** The topic `identity`. */
export const text = `Identity files

A file with key, certificates and authorities takes the place of a login, for scripts and CI: nothing is asked, and
neither the profile nor the agent is touched.

  tctl auth sign --user=ci --ttl=8h --out=ci.pem
  tsh --proxy=proxy.example.com -i ci.pem ssh deploy@node1 ./deploy.sh
  tctl --auth-server=auth.example.com:3025 -i ci.pem nodes ls

tctl takes such a file on any machine; what it may do is what the roles of the user allow. The file is a secret: mode
0600, and as short a --ttl as the job needs. An expired one ends the command with exit code 1.
`;
