/** A call over WebRTC: the offer is answered, sound comes and goes over the track, events over the data channel. */
import { Call, type CallOptions, type Carrier } from './call.ts';
import { Receiver, Sender } from './media.ts';
import { Peer } from './peer.ts';
import type { Offer } from './sdp.ts';

export interface RtcOptions extends Omit<CallOptions, 'track'> {
  offer: Offer;
  bindAddress: string | undefined;
  /** Addresses of elsewhere that lead to this machine's media. */
  announced: readonly string[];
}

/** A call whose peer never connects is given up after so many ms. */
const CONNECT_MS = 30_000;

/** Answers the offer. Throws Error where the peer connection does not take it. */
export async function answerOffer(options: RtcOptions): Promise<{ call: Call; answer: string }> {
  const { clock, offer, bindAddress, announced } = options;
  const call = new Call({ ...options, track: true });
  const made: { close(): void }[] = [];
  const cancelConnect = clock.after(CONNECT_MS, () => call.hangUp('the peer did not connect'));
  try {
    const receiver = await Receiver.create(clock, offer.opus, (frame) => call.hear(frame));
    made.push(receiver);
    const peer = await Peer.answer(
      offer,
      { bindAddress, announced },
      {
        open: () => {
          cancelConnect();
          call.start();
        },
        text: (message) => call.receiveText(message),
        packet: (bytes) => receiver.push(bytes),
        closed: (reason) => call.hangUp(reason),
      },
    );
    made.push(peer);
    const sender = await Sender.create(clock, offer.opus, peer.ssrc, (bytes) => peer.sendPacket(bytes));
    call.carry(carrierOf(peer, receiver, sender, cancelConnect));
    return { call, answer: peer.answer };
  } catch (error) {
    cancelConnect();
    for (const one of made) one.close();
    call.free();
    throw error;
  }
}

function carrierOf(peer: Peer, receiver: Receiver, sender: Sender, cancelConnect: () => void): Carrier {
  let open = true;
  return {
    sendText: (text) => peer.sendText(text),
    play: (pcm, first) => {
      if (open) sender.play(pcm, first);
    },
    maxMessage: () => peer.maxMessage,
    stats: () => ({ ...receiver.stats, sent: sender.packets }),
    close() {
      open = false;
      cancelConnect();
      peer.close();
      receiver.close();
      sender.close();
    },
  };
}
