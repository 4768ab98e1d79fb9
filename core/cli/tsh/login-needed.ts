import { CodedError } from "../../errors/error.js";

/** There is no usable login. Commands that may ask for a password log in and try again (see relogin.ts). */
export class LoginNeeded extends CodedError {
  constructor(reason: string, proxyHost: string, cause?: unknown) {
    super("access_denied", `${reason}: log in with tsh login --proxy=${proxyHost}`, { cause });
  }
}
