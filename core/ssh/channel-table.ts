/** The channels of one connection: how either side opens them, and whom their messages are for (RFC 4254 §5). */
import { accessDenied, badParameter, internal, unavailable } from "../errors/error.js";
import { SshWriter, type SshReader } from "../pki/ssh-wire.js";
import { Channel, type ChannelLink } from "./channel.js";
import { OPEN_FAILURE, type ChannelOpen, type SshChannel } from "./contract.js";
import { PACKET_BYTES, WINDOW_BYTES } from "./limits.js";
import { MESSAGE } from "./messages.js";

/** What the table needs of its connection. */
export interface ChannelTableLink extends ChannelLink {
  /** A handler threw instead of deciding about a channel. */
  offerFailed(type: string, error: unknown): void;
}

interface OpeningChannel {
  readonly type: string;
  resolve(channel: SshChannel): void;
  reject(error: Error): void;
}

/** What a CHANNEL_OPEN says of the peer's end. */
interface Offer {
  readonly type: string;
  readonly remoteId: number;
  readonly remoteWindowBytes: number;
  readonly remotePacketBytes: number;
  readonly payload: Buffer;
}

/** All channels of a connection, by our numbers. */
export class ChannelTable {
  readonly #link: ChannelTableLink;
  readonly #maxChannels: number;
  readonly #channels = new Map<number, Channel>();
  readonly #opening = new Map<number, OpeningChannel>();
  readonly #handlers = new Map<string, (open: ChannelOpen) => void>();
  #undecided = 0;
  #nextId = 0;
  #lost: Error | undefined;

  constructor(link: ChannelTableLink, maxChannels: number) {
    this.#link = link;
    this.#maxChannels = maxChannels;
  }

  /** Sets who decides about a type of channel that the peer opens. */
  onChannel(type: string, handler: (open: ChannelOpen) => void): void {
    this.#handlers.set(type, handler);
  }

  /** Opens a channel: `SshConnection.openChannel`. */
  open(type: string, payload: Uint8Array = Buffer.alloc(0)): Promise<SshChannel> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(this.#lost);
        return;
      }
      const id = this.#freeId();
      this.#opening.set(id, { type, resolve, reject });
      const message = new SshWriter().byte(MESSAGE.channelOpen).string(type).uint32(id).uint32(WINDOW_BYTES);
      this.#link.send(message.uint32(PACKET_BYTES).raw(Buffer.from(payload)).toBuffer());
    });
  }

  /** Both sides have closed a channel. */
  remove(channel: Channel): void {
    this.#channels.delete(channel.localId);
  }

  /** The connection is gone, and all channels with it. */
  connectionLost(error: Error): void {
    this.#lost = error;
    for (const opening of this.#opening.values()) opening.reject(error);
    this.#opening.clear();
    for (const channel of [...this.#channels.values()]) channel.connectionLost(error);
  }

  /** Handles a channel message; false for one of another kind. Throws `bad_parameter` where the peer breaks the protocol. */
  receive(type: number, reader: SshReader): boolean {
    switch (type) {
      case MESSAGE.channelData:
        this.#find(reader)?.peerSentData(reader.string(), undefined);
        return true;
      case MESSAGE.channelExtendedData: {
        const channel = this.#find(reader);
        const extendedType = reader.uint32();
        channel?.peerSentData(reader.string(), extendedType);
        return true;
      }
      case MESSAGE.channelWindowAdjust:
        this.#find(reader)?.peerAdjustedWindow(reader.uint32());
        return true;
      case MESSAGE.channelEof:
        this.#find(reader)?.peerSentEof();
        return true;
      case MESSAGE.channelClose:
        this.#find(reader)?.peerSentClose();
        return true;
      case MESSAGE.channelRequest:
        this.#find(reader)?.peerRequested({
          name: reader.text(),
          wantReply: reader.boolean(),
          payload: reader.rest(),
        });
        return true;
      case MESSAGE.channelSuccess:
      case MESSAGE.channelFailure:
        this.#find(reader)?.peerReplied(type === MESSAGE.channelSuccess);
        return true;
      case MESSAGE.channelOpen:
        this.#offered(reader);
        return true;
      case MESSAGE.channelOpenConfirmation:
        this.#confirmed(reader);
        return true;
      case MESSAGE.channelOpenFailure:
        this.#refused(reader);
        return true;
      default:
        return false;
    }
  }

  /** The channel a message is for; undefined for one that is not open any more, whose late messages are ignored. */
  #find(reader: SshReader): Channel | undefined {
    return this.#channels.get(reader.uint32());
  }

  #offered(reader: SshReader): void {
    const offer: Offer = {
      type: reader.text(),
      remoteId: reader.uint32(),
      remoteWindowBytes: reader.uint32(),
      remotePacketBytes: reader.uint32(),
      payload: reader.rest(),
    };
    const handler = this.#handlers.get(offer.type);
    if (handler === undefined) {
      this.#refuse(offer, OPEN_FAILURE.unknownChannelType, "unknown channel type");
    } else if (this.#channels.size + this.#undecided >= this.#maxChannels || offer.remotePacketBytes === 0) {
      this.#refuse(offer, OPEN_FAILURE.resourceShortage, "too many channels on this connection");
    } else {
      this.#decide(offer, handler);
    }
  }

  #decide(offer: Offer, handler: (open: ChannelOpen) => void): void {
    let decided = false;
    this.#undecided++;
    const decide = (): void => {
      if (decided) throw internal("an SSH channel was accepted or rejected twice");
      decided = true;
      this.#undecided--;
    };
    const open: ChannelOpen = {
      type: offer.type,
      payload: offer.payload,
      accept: () => {
        decide();
        return this.#accept(offer);
      },
      reject: (reason, text) => {
        decide();
        this.#refuse(offer, reason, text);
      },
    };
    try {
      handler(open);
    } catch (error) {
      this.#link.offerFailed(offer.type, error);
      if (!decided) open.reject(OPEN_FAILURE.connectFailed, "internal error");
    }
  }

  #accept(offer: Offer): Channel {
    const channel = this.#add(this.#freeId(), offer);
    if (this.#lost !== undefined) {
      channel.connectionLost(this.#lost);
      return channel;
    }
    const message = new SshWriter().byte(MESSAGE.channelOpenConfirmation).uint32(offer.remoteId);
    this.#link.send(message.uint32(channel.localId).uint32(WINDOW_BYTES).uint32(PACKET_BYTES).toBuffer());
    return channel;
  }

  #refuse(offer: Offer, reason: number, text: string): void {
    const message = new SshWriter().byte(MESSAGE.channelOpenFailure).uint32(offer.remoteId).uint32(reason);
    this.#link.send(message.string(text).string("").toBuffer());
  }

  #confirmed(reader: SshReader): void {
    const localId = reader.uint32();
    const opening = this.#takeOpening(localId);
    const ends = {
      type: opening.type,
      remoteId: reader.uint32(),
      remoteWindowBytes: reader.uint32(),
      remotePacketBytes: reader.uint32(),
    };
    if (ends.remotePacketBytes === 0) {
      opening.reject(unavailable("The SSH peer opened a channel that takes no data"));
      throw badParameter("channel with empty packets");
    }
    opening.resolve(this.#add(localId, ends));
  }

  #refused(reader: SshReader): void {
    const opening = this.#takeOpening(reader.uint32());
    const reason = reader.uint32();
    const words = reader.text().replace(/[^\x20-\x7e]+/g, " ");
    const failure = reason === OPEN_FAILURE.administrativelyProhibited ? accessDenied : unavailable;
    opening.reject(failure(words.trim() || `The SSH peer refused the channel (reason ${String(reason)})`));
  }

  #takeOpening(localId: number): OpeningChannel {
    const opening = this.#opening.get(localId);
    if (opening === undefined) throw badParameter("answer about a channel that was not opened");
    this.#opening.delete(localId);
    return opening;
  }

  #add(localId: number, ends: Omit<Offer, "payload">): Channel {
    const { type, remoteId, remoteWindowBytes, remotePacketBytes } = ends;
    const channel = new Channel(
      { type, localId, remoteId, remoteWindowBytes, remotePacketBytes },
      this.#link,
    );
    this.#channels.set(localId, channel);
    return channel;
  }

  #freeId(): number {
    do this.#nextId = (this.#nextId + 1) >>> 0;
    while (this.#channels.has(this.#nextId) || this.#opening.has(this.#nextId));
    return this.#nextId;
  }
}
