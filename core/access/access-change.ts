import type { LabelMisfit } from "./label-selector.js";
import type { ServerLack } from "./server-decision.js";

/** Something an administrator can change so that a connection is not refused any more for one reason. */
export type AccessChange =
  | { readonly change: "remove lock"; readonly lock: string; readonly expires: string | undefined }
  | { readonly change: "refresh locks" }
  | { readonly change: "undeny login"; readonly role: string; readonly login: string }
  | { readonly change: "undeny labels"; readonly role: string }
  | {
      readonly change: "grant";
      readonly role: string;
      readonly login: string;
      /** All of it, since one role alone must grant a connection. */
      readonly lacks: readonly ServerLack[];
    }
  | { readonly change: "give a role" }
  | { readonly change: "run node as root" };

/** Says in one line what to do. */
export function changeText(change: AccessChange): string {
  switch (change.change) {
    case "remove lock":
      return `remove the lock: tctl rm lock/${change.lock}${change.expires ? `; it ends at ${change.expires}` : ""}`;
    case "refresh locks":
      return "bring back the connection to the auth service, or take `lock: strict` from the roles";
    case "undeny login":
      return `role ${change.role}: take ${JSON.stringify(change.login)} out of deny.logins`;
    case "undeny labels":
      return `role ${change.role}: let deny.node_labels not fit the server`;
    case "grant":
      return `role ${change.role}: ${change.lacks.map((lack) => lackText(lack, change.login)).join(", and ")}`;
    case "give a role":
      return "give the user a role";
    case "run node as root":
      return "run the node as root";
  }
}

function lackText(lack: ServerLack, login: string): string {
  switch (lack.lacks) {
    case "namespace":
      return "add the server's namespace to allow.namespaces";
    case "login":
      return `add ${JSON.stringify(login)} to allow.logins (${listed(lack.granted) || "it gives none"})`;
    case "labels":
      return misfitText(lack.misfit);
  }
}

function misfitText(misfit: LabelMisfit): string {
  switch (misfit.problem) {
    case "fits none":
      return "set allow.node_labels, which is empty and fits no server";
    case "cannot be evaluated":
      return `correct allow.node_labels: ${misfit.reason}`;
    case "label": {
      const { key, wanted, value } = misfit;
      const rule = `allow.node_labels ${key}: ${listed(wanted) || "(no value: the user lacks the trait)"}`;
      return value === undefined
        ? `label ${key} is missing on the server for ${rule}`
        : `label ${key}=${value} does not fit ${rule}`;
    }
  }
}

const listed = (values: readonly string[]): string => values.join(", ");
