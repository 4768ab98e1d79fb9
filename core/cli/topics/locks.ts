/** The topic `locks`. */
export const text = `Locks

A lock shuts its target out at once: sessions and connections end, there are no new ones, and no new certificates.

  tctl lock --user=joe --message="Call the help desk" --ttl=10h
  tctl lock --role=contractor --node=db1      # both have to fit
  tctl lock --login=root --expires=2027-01-01T00:00:00Z
  tctl get locks --format=text
  tctl rm lock/<name>

A node is named by its UUID or host name. A locked node refuses users; it stays part of the cluster, so that it can
still report what happened.

Deleting a user ends the user's sessions and leaves a lock on the certificates issued until then: they stay refused,
also when the name is given to somebody else. Removing that lock would accept them again.

  tctl sessions ls
  tctl sessions terminate <id>     # a lock on one session

Roles with the option lock: strict, or a cluster with locking_mode: strict, also refuse connections while a server has
not heard of changes to locks for five minutes.
`;
