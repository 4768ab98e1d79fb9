import type { z } from "zod";
import { authServiceSection } from "./auth-service.js";
import { choice } from "./field.js";
import { proxyServiceSection } from "./proxy-service.js";
import { section } from "./section.js";
import { sshServiceSection } from "./ssh-service.js";
import { teleportSection } from "./teleport.js";

/** The whole of teleport.yaml. */
export const fileSchema = section({
  version: choice(["v1", "v2"], (word) => `unsupported configuration version: '${word}', supported: v1, v2`),
  teleport: teleportSection,
  auth_service: authServiceSection,
  ssh_service: sshServiceSection,
  proxy_service: proxyServiceSection,
});

type FileValues = z.output<typeof fileSchema>;

/** What a teleport.yaml says: typed values in camelCase, all optional. Defaults come when settings are resolved. */
export interface FileConfig extends FileValues {
  /** The file's path as the user gave it, for messages about its values. */
  readonly fileName: string;
}
