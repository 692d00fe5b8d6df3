/** TLS as every connection has it: the same settings, read the same way. */
import { readFileSync } from 'node:fs';
import { type Infer, secret, text, yesNo } from './config/fields.ts';
import { BadSetting } from './errors.ts';

export const tlsFields = {
  ca: text("Certificates to trust instead of the system's: PEM text, or the name of a file that holds it.", { optional: true }),
  cert: text('Client certificate: PEM text, or the name of a file that holds it.', { optional: true }),
  key: secret('Private key of `cert`: PEM text, or the name of a file that holds it.', { optional: true }),
  passphrase: secret('Passphrase of `key`.', { optional: true }),
  servername: text("The name that the broker's certificate must carry, when it is not the host of the address.", { optional: true }),
  insecure: yesNo('Accept any certificate. For trials only: anybody in between can read and change everything.', {
    default: false,
    advanced: true,
  }),
};
export type TlsConfig = Infer<typeof tlsFields>;

/** As `node:tls` takes them. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/** Reads the files, anew for each connection: certificates are changed while we run. Throws CONFIG_INVALID. */
export function tlsOptions(tls: TlsConfig): TlsOptions {
  const options: { -readonly [K in keyof TlsOptions]: TlsOptions[K] } = { rejectUnauthorized: !tls.insecure };
  if (tls.ca !== undefined) options.ca = pem('ca', tls.ca);
  if (tls.cert !== undefined) options.cert = pem('cert', tls.cert);
  if (tls.key !== undefined) options.key = pem('key', tls.key);
  if (tls.passphrase !== undefined) options.passphrase = tls.passphrase;
  if (tls.servername !== undefined) options.servername = tls.servername;
  return options;
}

/** PEM text as it is, else what the file of that name holds. */
function pem(field: string, value: string): string {
  if (value.includes('-----BEGIN')) {
    if (!value.includes('-----END')) throw new BadSetting('tls', `tls.${field} is PEM text that has no end: its last line is missing`);
    return value;
  }
  try {
    return readFileSync(value, 'utf8');
  } catch (cause) {
    // The cause names the file: for `key` that may be the key itself, badly pasted.
    const code = (cause as NodeJS.ErrnoException).code;
    throw new BadSetting('tls', `tls.${field} is neither PEM text nor the name of a readable file (${code})`);
  }
}

/** Throws CONFIG_INVALID when a file is not there. */
export function checkTls(tls: TlsConfig | undefined): void {
  if (tls) tlsOptions(tls);
}

/** What these settings give up: sentences for `explain`. */
export function tlsNotes(tls: TlsConfig | undefined): string[] {
  return tls?.insecure ? ['`tls.insecure` accepts any certificate: anybody in between can read and change every message.'] : [];
}

/** Whether a connection failed because one side does not accept the other's certificate, or both have no way to talk TLS. */
export function isTlsFailure(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return typeof code === 'string' && /CERT|^ERR_TLS|^ERR_SSL|^UNABLE_TO|SELF_SIGNED/.test(code);
}

/** Behind the text of such a failure. */
export const tlsHint = "see the connection's tls settings";
