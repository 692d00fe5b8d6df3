/** Certificates for tests: an authority of their own and what it has signed, as PEM files. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Identity {
  /** The common name: to a broker the user of a client certificate. */
  readonly name: string;
  /** What the certificate is good for, e.g. `DNS:broker.test,IP:127.0.0.1`. */
  readonly altNames: string;
}

/** Makes `ca.pem`, and for each identity `<its key>.pem` and `<its key>.key.pem`, in a directory that is made if need be. */
export function makeCertificates(dir: string, identities: Readonly<Record<string, Identity>>): void {
  mkdirSync(dir, { recursive: true });
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-days', '30', '-subj', '/CN=mqferry-test-ca', '-keyout', 'ca.key.pem', '-out', 'ca.pem');
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key.pem', '-CAcreateserial', '-days', '30', '-copy_extensions', 'copy'];
  for (const [file, { name, altNames }] of Object.entries(identities)) {
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${altNames}`];
    openssl('req', ...newKey, ...subject, '-keyout', `${file}.key.pem`, '-out', `${file}.csr`);
    openssl('x509', '-req', '-in', `${file}.csr`, ...signing, '-out', `${file}.pem`);
  }
}

/** The PEM text of `<name>.pem`. */
export function pem(dir: string, name: string): string {
  return readFileSync(join(dir, `${name}.pem`), 'utf8');
}
