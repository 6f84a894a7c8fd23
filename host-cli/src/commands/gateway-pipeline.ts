import type { Context } from '../context.ts';
import { TincanError } from '../errors.ts';
import type { Brain } from '../gateway/brain.ts';
import { registerSecret } from '../redact.ts';

export interface PipelineCommandOptions {
  stt?: string;
  sttModel?: string;
  sttGrammar?: string;
  llm?: string;
  llmModel?: string;
  tts?: string;
  ttsModel?: string;
  ttsVoice?: string;
}

/** Mode pipeline, from options and environment. @throws TincanError USAGE, and those of the pipeline */
export async function openPipeline(context: Context, options: PipelineCommandOptions): Promise<Brain> {
  const { env, out } = context;
  const { stt, llm, tts } = options;
  if (stt === undefined || llm === undefined || tts === undefined) {
    const missing = Object.entries({ '--stt': stt, '--llm': llm, '--tts': tts })
      .filter(([, value]) => value === undefined)
      .map(([name]) => name);
    throw new TincanError('USAGE', `Mode pipeline needs ${missing.join(' and ')}.`, {
      exit: 'usage',
      hint: 'Example: --stt http://127.0.0.1:8081/v1 --llm http://127.0.0.1:11434/v1 --tts flite',
    });
  }
  const key = (name: string): string | undefined => {
    const value = env[name]?.trim();
    if (value === undefined || value === '') return undefined;
    registerSecret(value);
    return value;
  };
  const { pipelineBrain } = await import('../gateway/pipeline/index.ts');
  return pipelineBrain({
    stt: { at: stt, model: options.sttModel, key: key('TINCAN_STT_KEY'), grammar: options.sttGrammar },
    llm: { at: llm, model: options.llmModel, key: key('TINCAN_LLM_KEY') },
    tts: { at: tts, model: options.ttsModel, key: key('TINCAN_TTS_KEY'), voice: options.ttsVoice },
    log: (line) => out.note(line),
    env,
  });
}
