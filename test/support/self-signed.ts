// A certificate for 127.0.0.1 that is good for an hour, made by nothing but node:crypto: X.509 in DER (RFC 5280).

import { generateKeyPairSync, sign } from 'node:crypto';

export type SelfSigned = { readonly certificate: string; readonly key: string };

/** Gives both as PEM. */
export function makeSelfSigned(now: Date = new Date()): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(objectId(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const commonName = objectId(0x55, 0x04, 0x03);
  const name = sequence(tagged(SET, sequence(commonName, tagged(UTF8_STRING, Buffer.from('127.0.0.1')))));
  const validity = sequence(utcTime(now.getTime() - HOUR_MS), utcTime(now.getTime() + HOUR_MS));
  // subjectAltName with one iPAddress, and basicConstraints for an authority: it vouches for itself.
  const alternativeName = sequence(
    objectId(0x55, 0x1d, 0x11),
    octets(sequence(tagged(IP_ADDRESS, Buffer.from([127, 0, 0, 1])))),
  );
  const constraints = sequence(
    objectId(0x55, 0x1d, 0x13),
    octets(sequence(tagged(BOOLEAN, Buffer.from([0xff])))),
  );
  const body = sequence(
    tagged(EXPLICIT_0, tagged(INTEGER, Buffer.from([2]))),
    tagged(INTEGER, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(EXPLICIT_3, sequence(alternativeName, constraints)),
  );
  const signature = tagged(BIT_STRING, Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)]));
  return {
    certificate: pem('CERTIFICATE', sequence(body, ecdsaWithSha256, signature)),
    key: pem('PRIVATE KEY', privateKey.export({ type: 'pkcs8', format: 'der' })),
  };
}

const HOUR_MS = 3_600_000;

const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
const IP_ADDRESS = 0x87;
const EXPLICIT_0 = 0xa0;
const EXPLICIT_3 = 0xa3;

/** Tag, length, value. */
function tagged(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(SEQUENCE, Buffer.concat(parts));
const objectId = (...bytes: readonly number[]): Buffer => tagged(OBJECT_ID, Buffer.from(bytes));
const octets = (value: Buffer): Buffer => tagged(OCTET_STRING, value);

/** `YYMMDDhhmmssZ` */
function utcTime(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replaceAll(/\D/gu, '').slice(2, 14);
  return tagged(UTC_TIME, Buffer.from(`${digits}Z`));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/gu) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
