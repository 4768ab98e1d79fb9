import { asObject, textField, type JsonObject } from "../request-body.js";
import { badParameter } from "../../../errors/error.js";
import type { ConfigurationFile } from "../../../resources/storage-status.js";
import { route, type Route } from "../route.js";

/** Endpoints of where the cluster is kept, ours. */
export const storageAdminRoutes: readonly Route[] = [
  route("GET", "/storage/status", (api) => api.getStorageStatus()),
  route("POST", "/storage/moves", (api, call) => api.startStorageMove(configurationFile(call.body()))),
  route("POST", "/storage/abort", (api) => api.abortStorageMove()),
  route("POST", "/storage/verifications", (api, call) => {
    const { against } = call.body();
    return api.verifyStorage(
      against === undefined ? undefined : configurationFile(asObject(against, "field 'against'")),
    );
  }),
  route("GET", "/storage/verifications/:id", (api, call) => api.getStorageVerification(call.param("id"))),
];

function configurationFile(body: JsonObject): ConfigurationFile {
  const file = { name: textField(body, "name"), text: textField(body, "text") };
  if (file.name === "") throw badParameter("field 'name' must name the configuration file");
  return file;
}
