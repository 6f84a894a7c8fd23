/** werift under the test server: WebRTC in TypeScript alone. */
import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters } from 'werift';
import type { Stack } from './foreign-server.ts';
import { opusRtp, opusType } from './rtp.ts';

const SSRC = 20_261_121;

export const weriftStack: Stack = async (offer, events) => {
  const payloadType = opusType(offer);
  const connection = new RTCPeerConnection({
    iceServers: [],
    iceAdditionalHostAddresses: ['127.0.0.1'],
    codecs: {
      audio: [
        new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48_000, channels: 2, payloadType }),
      ],
    },
  });
  let ended = false;
  const end = () => {
    if (!ended) events.closed();
    ended = true;
  };
  connection.connectionStateChange.subscribe((state) => {
    if (state === 'closed' || state === 'disconnected' || state === 'failed') end();
  });
  let channel: import('werift').RTCDataChannel | undefined;
  connection.onDataChannel.subscribe((incoming) => {
    channel = incoming;
    incoming.onMessage.subscribe((message) => events.text(String(message)));
    const opened = () => events.open();
    if (incoming.readyState === 'open') opened();
    else incoming.stateChanged.subscribe((state) => state === 'open' && opened());
    incoming.stateChanged.subscribe((state) => state === 'closed' && end());
  });
  const voice = new MediaStreamTrack({ kind: 'audio' });
  const rtp = await opusRtp(
    payloadType,
    SSRC,
    (packet) => {
      if (!ended) voice.writeRtp(packet);
    },
    events,
  );
  connection.onTrack.subscribe((track) => {
    track.onReceiveRtp.subscribe((packet) => rtp.receive(packet.serialize()));
  });
  connection.addTrack(voice);
  await connection.setRemoteDescription({ type: 'offer', sdp: offer });
  await connection.setLocalDescription(await connection.createAnswer());
  return {
    answer: connection.localDescription!.sdp,
    send: (text) => channel?.send(text),
    play: (pcm) => rtp.play(pcm),
    hush: () => rtp.hush(),
    audio: () => rtp.audio(),
    closeChannel: () => channel?.close(),
    async close() {
      rtp.hush();
      rtp.free();
      end();
      await connection.close();
    },
  };
};
