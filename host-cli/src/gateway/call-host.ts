/** A mode that answers calls by itself, instead of a brain behind a peer connection of ours. */
import type { HttpHost } from './http.ts';

export interface CallHost extends Pick<HttpHost, 'call' | 'hangUp'> {
  readonly mode: string;
  /** Ends all its calls. */
  close(): Promise<void>;
}
