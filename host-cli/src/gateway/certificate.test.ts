import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { keepCertificate, makeCertificate, pinOf } from './certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'tincan-certificate-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the certificate signs itself, for this machine, for ten years, and is nobody else’s authority', async () => {
  const now = Date.UTC(2026, 10, 27);
  const { key, cert, pin } = await makeCertificate(now);
  const read = new X509Certificate(cert);
  expect(read.verify(read.publicKey)).toBe(true);
  expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(read.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(read.checkHost('localhost')).toBe('localhost');
  expect(read.ca).toBe(false);
  expect(read.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
  expect(Date.parse(read.validFrom)).toBeLessThan(now);
  expect(Date.parse(read.validTo)).toBeGreaterThan(now + 9.9 * 365 * 86_400_000);
  // The pin is that of the key, whatever certificate carries it.
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  expect(pin).toBe(createHash('sha256').update(spki).digest('hex'));
  expect(pinOf(cert)).toBe(pin);
});

test('it is kept in a file that only its owner can read, and used again', async () => {
  const file = join(folder, 'deep', 'gateway-tls.pem');
  const first = await keepCertificate(file);
  expect(first.made).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const again = await keepCertificate(file);
  expect(again).toMatchObject({ made: false, pin: first.pin });
  expect(again.key.trim()).toBe(first.key.trim());
});

test('a file that is no certificate is refused, and left alone', async () => {
  const file = join(folder, 'other.pem');
  const other = await makeCertificate();
  const good = await keepCertificate(join(folder, 'good.pem'));
  for (const text of ['', 'hello', other.cert, `${other.key}${good.cert}`]) {
    writeFileSync(file, text);
    await expect(keepCertificate(file)).rejects.toMatchObject({
      code: 'GATEWAY_TLS',
      message: expect.not.stringContaining('PRIVATE'),
    });
    expect(readFileSync(file, 'utf8')).toBe(text);
  }
});
