/** Flags of `teleport start`, as the command line gave them; absent means not given. */
export interface StartFlags {
  readonly debug?: boolean;
  readonly insecureNoTls?: boolean;
  /** `proxy,node,auth`: replaces the set that the file enables. */
  readonly roles?: string;
  readonly pidFile?: string;
  readonly advertiseIp?: string;
  readonly listenIp?: string;
  readonly authServer?: string;
  /** A join token, or a path to one. */
  readonly token?: string;
  readonly caPin?: string;
  readonly nodename?: string;
  /** Path of teleport.yaml. */
  readonly config?: string;
  /** teleport.yaml itself, in base64. */
  readonly configString?: string;
  readonly bootstrap?: string;
  readonly labels?: string;
  readonly insecure?: boolean;
  readonly fips?: boolean;
  readonly diagAddr?: string;
  readonly permitUserEnv?: boolean;
}
