/** node-datachannel under the test server: the stack of the product, for what is not about stacks. */
import { Audio, PeerConnection } from 'node-datachannel';
import type { Stack } from './foreign-server.ts';
import { opusRtp, opusType } from './rtp.ts';

const SSRC = 20_261_120;

export const ndcStack: Stack = async (offer, events) => {
  const connection = new PeerConnection('test', {
    iceServers: [],
    bindAddress: '127.0.0.1',
    disableAutoNegotiation: true,
  });
  let ended = false;
  const end = () => {
    if (!ended) events.closed();
    ended = true;
  };
  let channel: import('node-datachannel').DataChannel | undefined;
  connection.onStateChange((state) => {
    if (state === 'closed' || state === 'disconnected' || state === 'failed') end();
  });
  connection.onDataChannel((incoming) => {
    channel = incoming;
    channel.onMessage((message) => events.text(String(message)));
    channel.onClosed(end);
    let opened = false;
    const open = () => {
      if (!opened) events.open();
      opened = true;
    };
    channel.onOpen(open);
    if (channel.isOpen()) open();
  });
  const type = opusType(offer);
  const audio = new Audio(/^m=audio [\s\S]*?^a=mid:(\S+)/m.exec(offer)?.[1] ?? 'audio', 'SendRecv');
  audio.addOpusCodec(type);
  audio.addSSRC(SSRC, 'test', 'test', 'voice');
  const track = connection.addTrack(audio);
  const rtp = await opusRtp(
    type,
    SSRC,
    (packet) => {
      if (!ended && track.isOpen()) track.sendMessageBinary(packet);
    },
    events,
  );
  track.onMessage((packet) => rtp.receive(packet));
  await new Promise<void>((resolve) => {
    connection.onGatheringStateChange((state) => {
      if (state === 'complete') resolve();
    });
    connection.setRemoteDescription(offer, 'offer');
    connection.setLocalDescription('answer');
  });
  return {
    answer: connection.localDescription()!.sdp,
    send: (text) => {
      if (!ended && channel?.isOpen()) channel.sendMessage(text);
    },
    play: (pcm) => rtp.play(pcm),
    hush: () => rtp.hush(),
    audio: () => rtp.audio(),
    closeChannel: () => channel?.close(),
    close() {
      rtp.hush();
      rtp.free();
      end();
      connection.close();
    },
  };
};
