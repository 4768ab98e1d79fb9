/** SSH message numbers that this adapter reads or writes itself: RFC 4250 §4.1.2, RFC 8308. */
export const MESSAGE = {
  disconnect: 1,
  ignore: 2,
  unimplemented: 3,
  debug: 4,
  serviceRequest: 5,
  serviceAccept: 6,
  extInfo: 7,
  kexInit: 20,
  userauthRequest: 50,
  userauthFailure: 51,
  userauthSuccess: 52,
  userauthBanner: 53,
  userauthPkOk: 60,
  globalRequest: 80,
  requestSuccess: 81,
  requestFailure: 82,
  channelOpen: 90,
  channelOpenConfirmation: 91,
  channelOpenFailure: 92,
  channelWindowAdjust: 93,
  channelData: 94,
  channelExtendedData: 95,
  channelEof: 96,
  channelClose: 97,
  channelRequest: 98,
  channelSuccess: 99,
  channelFailure: 100,
} as const;

/** Reasons of a DISCONNECT message: RFC 4250 §4.2.2. */
export const DISCONNECT = {
  protocolError: 2,
  keyExchangeFailed: 3,
  serviceNotAvailable: 7,
  hostKeyNotVerifiable: 9,
  connectionLost: 10,
  byApplication: 11,
  tooManyConnections: 12,
  noMoreAuthMethods: 14,
} as const;

/** One of the DISCONNECT reasons. */
export type DisconnectReason = (typeof DISCONNECT)[keyof typeof DISCONNECT];

/** The service that authentication leads to (RFC 4254 §3). */
export const CONNECTION_SERVICE = "ssh-connection";

/** The service that authenticates (RFC 4252 §4). */
export const AUTH_SERVICE = "ssh-userauth";
