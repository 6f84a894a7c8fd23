/** What stops a virtual board from being set up. `code` is stable; `message` is one sentence, `hint` what to do. */
export class BoardError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'BoardError';
    this.code = code;
    this.hint = hint;
  }
}
