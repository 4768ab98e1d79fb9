import { isIP } from "node:net";
import { z } from "zod";
import { badParameter } from "../../errors/error.js";
import { address, boolean, onOrOff, oneOrMany, parsed, publicAddresses, text } from "./field.js";
import { pluginSection } from "./open-map.js";
import { entry, section } from "./section.js";

/** A network in CIDR notation (RFC 4632), or one address. */
const network = parsed((value) => {
  const [ip = "", bits, ...rest] = value.split("/");
  const family = isIP(ip);
  const limit = family === 4 ? 32 : 128;
  const valid = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= limit);
  if (family === 0 || !valid || rest.length > 0) {
    throw badParameter(
      `invalid network '${value}', expected an address such as 10.0.0.1 or a range such as 10.0.0.0/8`,
    );
  }
  return `${ip}/${bits ?? limit}`;
});

/** `host:port`, where either side may hold `*`: a target that need not be a registered node. */
const targetPattern = parsed((value) => {
  const [, port] = /^(?:[\w.*-]+|\[[\da-fA-F:*]+\]):(\d{1,5}|\*)$/.exec(value) ?? [];
  if (port === undefined) {
    throw badParameter(`invalid target pattern '${value}', expected 'host:port' where either may hold '*'`);
  }
  if (Number(port) > 65535 || Number(port) === 0) {
    throw badParameter(`invalid target pattern '${value}': the port must be '*' or a number from 1 to 65535`);
  }
  return value;
});

/** `proxy_service:`, the bastion. */
export const proxyServiceSection = section({
  enabled: boolean,
  listen_addr: address(3023),
  web_listen_addr: address(3080),
  tunnel_listen_addr: address(3024),
  public_addr: publicAddresses(3080),
  ssh_public_addr: publicAddresses(3023),
  tunnel_public_addr: publicAddresses(3024),
  https_key_file: text,
  https_cert_file: text,
  https_keypairs: z.array(entry({ key_file: text.min(1), cert_file: text.min(1) })),
  tls: pluginSection({ type: text }),
  unregistered_targets: oneOrMany(targetPattern),
  proxy_protocol: onOrOff,
  proxy_protocol_sources: oneOrMany(network),
  kubernetes: section({
    enabled: boolean,
    listen_addr: address(3026),
    public_addr: publicAddresses(3026),
    kubeconfig_file: text,
  }),
  kube_listen_addr: address(3026),
  kube_public_addr: publicAddresses(3026),
  acme: section({ enabled: boolean, email: text, uri: text }),
  mysql_listen_addr: address(3036),
  mysql_public_addr: publicAddresses(3036),
  postgres_listen_addr: address(5432),
  postgres_public_addr: publicAddresses(3080),
  mongo_listen_addr: address(27017),
  mongo_public_addr: publicAddresses(27017),
});
