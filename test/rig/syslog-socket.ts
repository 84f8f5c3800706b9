import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where libc's syslog(3) sends to; it knows no other place. */
const path = '/dev/log';

/** Node can't bind a datagram socket by path; Perl can, and is part of every Debian. */
const script = `
use Socket;
my $at = sockaddr_un($ARGV[0]);
socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
for (my $tries = 0; !bind($s, $at); $tries++) {
  die "bind $ARGV[0]: $!" if $tries > 200;
  socket(my $other, PF_UNIX, SOCK_DGRAM, 0);
  # Nobody listens any more: left behind by a reader that was killed.
  if (!connect($other, $at) && $!{ECONNREFUSED}) { unlink $ARGV[0] } else { select(undef, undef, undef, 0.1) }
}
chmod 0666, $ARGV[0];
$SIG{TERM} = sub { unlink $ARGV[0]; exit 0 };
$| = 1;
print pack("N", 0);
while (defined recv($s, my $m, 1 << 20, 0)) { print pack("N", length $m), $m }
`;

export interface SyslogSocket {
  /** Datagrams so far, as sent. */
  readonly datagrams: readonly Uint8Array[];
  /** Resolves once a datagram holds `text`. */
  seen(text: string): Promise<void>;
  close(): Promise<void>;
}

/** Why this machine can't give us `/dev/log`, or undefined where it can. */
export function syslogObstacle(): string | undefined {
  if (!existsSync('/usr/bin/perl')) return 'there is no perl';
  try {
    accessSync('/dev', constants.W_OK);
    return undefined;
  } catch {
    return '/dev is not writable';
  }
}

/** Listens on `/dev/log` until closed; waits up to 20 s for another reader to go. */
export async function listenToSyslog(): Promise<SyslogSocket> {
  const reader = spawn('/usr/bin/perl', ['-e', script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise<number | null>((resolve) => reader.once('exit', resolve));
  const datagrams: Uint8Array[] = [];
  let ready = false;
  let buffer = Buffer.alloc(0);
  reader.stdout.on('data', (data: Buffer) => {
    buffer = Buffer.concat([buffer, data]);
    while (buffer.length >= 4) {
      const length = buffer.readUInt32BE(0);
      if (buffer.length < 4 + length) break;
      if (length === 0) ready = true;
      else datagrams.push(Uint8Array.from(buffer.subarray(4, 4 + length)));
      buffer = buffer.subarray(4 + length);
    }
  });
  const until = async (what: string, done: () => boolean) => {
    const deadline = Date.now() + 25_000;
    while (!done()) {
      if (reader.exitCode !== null) throw new Error(`the reader of ${path} ended`);
      if (Date.now() > deadline) throw new Error(`${path} brought no ${what} within 25 s`);
      await sleep(10);
    }
  };
  await until('greeting', () => ready);
  return {
    datagrams,
    seen: (text) =>
      until(JSON.stringify(text), () => datagrams.some((each) => Buffer.from(each).includes(text))),
    async close() {
      reader.kill('SIGTERM');
      await gone;
    },
  };
}
