/** What a gateway says that misbehaves on purpose: a finished HTTP answer (see faults.ts). */
import { STATUS_CODES } from 'node:http';
import type { HttpFault } from './faults.ts';

export interface FaultAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const CODES: Record<number, { code: string; message: string }> = {
  400: { code: 'invalid_offer', message: 'The SDP offer could not be used.' },
  401: { code: 'invalid_api_key', message: 'Incorrect API key provided.' },
  403: { code: 'access_denied', message: 'You do not have access to this model.' },
  404: { code: 'model_not_found', message: 'The model does not exist or you do not have access to it.' },
  429: { code: 'rate_limit_exceeded', message: 'Rate limit reached. Please try again later.' },
};

export function faultAnswer(fault: HttpFault): FaultAnswer {
  if (fault.http === 'html') {
    const body =
      '<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in first.</body></html>\n';
    return { status: 200, headers: { 'Content-Type': 'text/html; charset=utf-8' }, body };
  }
  if (fault.http === 'redirect') return { status: 302, headers: { Location: fault.location }, body: '' };
  const status = fault.http;
  const { code, message } = CODES[status] ?? {
    code: 'server_error',
    message: `${STATUS_CODES[status]}. Please try again.`,
  };
  const type = status >= 500 ? 'server_error' : 'invalid_request_error';
  return {
    status,
    headers: {
      'Content-Type': 'application/json',
      ...(fault.retry_after === undefined ? {} : { 'Retry-After': String(fault.retry_after) }),
    },
    body: `${JSON.stringify({ error: { message, type, code, param: null } })}\n`,
  };
}
