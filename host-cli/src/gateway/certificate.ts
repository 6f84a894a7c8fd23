/**
 * The gateway's TLS certificate: signed by itself, for devices that pin its public key. It is kept in a file of its
 * owner's, so that the pin of devices stays good.
 */
// Decorators of the library want it, so it comes first.
import 'reflect-metadata';
import { createHash, createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import * as x509 from '@peculiar/x509';
import { messageOf, TincanError } from '../errors.ts';

export interface Certificate {
  /** Private key, PEM (PKCS #8). */
  key: string;
  /** Certificate, PEM. */
  cert: string;
  /** SHA-256 of the public key, as `server.pin` of a device wants it. */
  pin: string;
}

/** Devices look at the key only; browsers and others look at dates too. */
const YEARS = 10;
const CURVE = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** SHA-256 over the DER SubjectPublicKeyInfo of a certificate (PEM), in hex: a pin of RFC 7469, section 2.4. */
export function pinOf(cert: string): string {
  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}

/** A new key and a certificate for this machine's own addresses, from `now` (Unix ms) on. */
export async function makeCertificate(now = Date.now()): Promise<Certificate> {
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=tincan gateway',
    keys,
    signingAlgorithm: CURVE,
    notBefore: new Date(now - 86_400_000),
    notAfter: new Date(now + YEARS * 365 * 86_400_000),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
    ],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{1,64}/g, '$&\n')}-----END PRIVATE KEY-----\n`;
  const cert = `${certificate.toString('pem')}\n`;
  return { key, cert, pin: pinOf(cert) };
}

/**
 * The certificate of `file` (PEM, key and certificate), which is made at the first time, readable by its owner only.
 * @throws TincanError GATEWAY_TLS where the file cannot be used
 */
export async function keepCertificate(file: string): Promise<Certificate & { made: boolean }> {
  if (!existsSync(file)) {
    const made = await makeCertificate();
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${made.key}${made.cert}`, { mode: 0o600 });
    return { ...made, made: true };
  }
  try {
    const text = readFileSync(file, 'utf8');
    const block = (label: string) =>
      new RegExp(`-----BEGIN ${label}-----[^-]*-----END ${label}-----`).exec(text)?.[0] ?? '';
    const key = block('PRIVATE KEY');
    const cert = block('CERTIFICATE');
    if (key === '' || cert === '') throw new Error('it does not hold a private key and a certificate');
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error('its key is not that of its certificate');
    return { key, cert, pin: pinOf(cert), made: false };
  } catch (error) {
    throw new TincanError('GATEWAY_TLS', `The certificate in ${file} cannot be used.`, {
      exit: 'usage',
      cause: new Error(messageOf(error)),
      hint: 'Remove the file, and a new one is made; devices then need its new pin.',
    });
  }
}
