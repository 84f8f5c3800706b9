import { constants } from 'node:fs';
import { link, mkdir, open, unlink } from 'node:fs/promises';

/** The steps by which a folder takes an object. Each rejects with a NodeJS.ErrnoException. */
export interface Disk {
  /** A new file with all of `body`, which a power cut can't take back once this resolves. */
  writeFile(path: string, body: Uint8Array): Promise<void>;
  /** Gives the file a second name; EEXIST where that name is taken. */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** EEXIST where it is there. */
  makeDirectory(path: string): Promise<void>;
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

/** Read-only for all from the start: nothing has business changing an object. */
const objectMode = 0o440;

export const nodeDisk: Disk = {
  async writeFile(path, body) {
    const file = await open(path, 'wx', objectMode);
    try {
      await file.writeFile(body);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  link,
  unlink,
  async makeDirectory(path) {
    await mkdir(path, { mode: 0o750 });
  },
  async syncDirectory(path) {
    const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};
