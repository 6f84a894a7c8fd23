/**
 * The page of the bench: a plain RTCPeerConnection as the API's guide has it. An AudioWorklet looks at the samples of
 * the microphone and of the server's voice on one clock, that of the audio.
 */

/** Loud is above -45 dBFS, as the virtual board's own measure has it. */
const LOUD = 10 ** (-45 / 20);

/** Tells the frame of the last loud sample of input 0 when it has been quiet for 200 ms, and of the first of input 1. */
export const WORKLET = `
class Ears extends AudioWorkletProcessor {
  constructor() {
    super();
    this.last = [-1e9, -1e9];
    this.told = true;
  }
  process(inputs) {
    const quiet = 0.2 * sampleRate;
    inputs.forEach((channels, input) => {
      const samples = channels[0];
      if (!samples) return;
      for (let i = 0; i < samples.length; i++) {
        if (Math.abs(samples[i]) <= ${LOUD}) continue;
        const at = currentFrame + i;
        if (input === 1 && at - this.last[1] > quiet) this.port.postMessage({ sound: at / sampleRate });
        if (input === 0) this.told = false;
        this.last[input] = at;
      }
    });
    if (!this.told && currentFrame - this.last[0] > quiet) {
      this.told = true;
      this.port.postMessage({ end: (this.last[0] + 1) / sampleRate });
    }
    return true;
  }
}
registerProcessor('ears', Ears);
`;

const CLIENT = `
window.call = async (url, token) => {
  const microphone = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });
  const context = new AudioContext();
  await context.audioWorklet.addModule('/worklet.js');
  const ears = new AudioWorkletNode(context, 'ears', { numberOfInputs: 2, numberOfOutputs: 0 });
  context.createMediaStreamSource(microphone).connect(ears, 0, 0);
  const replied = new Promise((resolve) => {
    let end;
    ears.port.onmessage = ({ data }) => {
      if (data.end !== undefined && window.openAt !== undefined) end = data.end;
      if (data.sound !== undefined && end !== undefined) resolve((data.sound - end) * 1000);
    };
  });
  const connection = new RTCPeerConnection();
  connection.ontrack = ({ streams: [stream] }) => {
    // Chromium decodes the sound of a call only where an element plays it.
    const element = new Audio();
    element.srcObject = stream;
    element.play();
    context.createMediaStreamSource(stream).connect(ears, 0, 1);
  };
  connection.addTrack(microphone.getTracks()[0], microphone);
  const channel = connection.createDataChannel('oai-events');
  const opened = new Promise((resolve) => { channel.onopen = () => resolve(performance.now()); });
  await connection.setLocalDescription(await connection.createOffer());
  const begin = performance.now();
  const answer = await fetch(url, {
    method: 'POST',
    body: connection.localDescription.sdp,
    headers: { authorization: 'Bearer ' + token, 'content-type': 'application/sdp' },
  });
  if (answer.status !== 201) throw new Error(answer.status + ' ' + await answer.text());
  await connection.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
  window.openAt = await opened;
  const reply = await replied;
  connection.close();
  microphone.getTracks()[0].stop();
  await context.close();
  return { connect: window.openAt - begin, reply };
};
`;

export const PAGE = `<!doctype html><meta charset="utf-8"><title>bench</title><script>${CLIENT}</script>`;
