/** Whether a server is there, asked once at the start: what is wrong becomes a line of the log. */
import { redact } from '../../redact.ts';
import type { Clock } from '../clock.ts';
import { type Endpoint, reasonOf } from './endpoint.ts';
import { Patience, STAGE_NAMES } from './patience.ts';

const CHECK_MS = 3000;
const MAX_LIST = 1 << 20;
/** Names of models that a line of the log shows. */
const SHOWN = 5;

export interface Finding {
  /** The first model that the server lists. */
  first?: string | undefined;
  /** A sentence about what is wrong. */
  problem?: string;
}

/** Asks for the list of models (of a full address, for its head). Never throws. */
export async function checkEndpoint(
  endpoint: Endpoint,
  model: string | undefined,
  clock: Clock,
): Promise<Finding> {
  const who = STAGE_NAMES[endpoint.stage];
  const patience = new Patience(clock, CHECK_MS, new AbortController().signal);
  const url = endpoint.base ? new URL(endpoint.base) : endpoint.url;
  if (endpoint.base) url.pathname = `${url.pathname.replace(/\/+$/, '')}/models`;
  try {
    const response = await fetch(url, {
      method: endpoint.base ? 'GET' : 'HEAD',
      headers: endpoint.headers(),
      redirect: 'manual',
      signal: patience.signal,
    });
    if (response.status === 401 || response.status === 403)
      return { problem: `${who}: ${endpoint.name} refuses the key (${response.status})` };
    // Many servers of speech list no models.
    if (!response.ok || !endpoint.base) return {};
    const models = modelsOf(await limited(response));
    const [first] = models;
    if (model === undefined || first === undefined || models.some((one) => sameModel(one, model)))
      return { first };
    const more = models.length > SHOWN ? ` and ${models.length - SHOWN} more` : '';
    const shown = models.slice(0, SHOWN).join(', ') + more;
    return { first, problem: `${who}: ${endpoint.name} does not list the model ${model}; it has ${shown}` };
  } catch (error) {
    const why = patience.over
      ? `said nothing for ${CHECK_MS / 1000} s`
      : `cannot be reached: ${redact(reasonOf(error))}`;
    return { problem: `${who}: ${endpoint.name} ${why}; calls will fail until it answers` };
  } finally {
    patience.end();
  }
}

async function limited(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_LIST) break;
  }
  return text;
}

/** Ids in {data: [{id}]}; none where the answer is something else. */
function modelsOf(text: string): string[] {
  try {
    const value = JSON.parse(text) as { data?: { id?: unknown }[] };
    return (value.data ?? []).flatMap(({ id }) => (typeof id === 'string' && id.length < 200 ? [id] : []));
  } catch {
    return [];
  }
}

/** Ollama lists "llama3.2:latest" for "llama3.2". */
const sameModel = (listed: string, wanted: string): boolean =>
  listed === wanted || listed === `${wanted}:latest`;
