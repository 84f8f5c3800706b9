import type { Connection } from 'pg';

/** A COPY … FROM STDIN for `client.query`: pg itself refuses to feed one. */
export class CopyIn {
  readonly done: Promise<void>;
  private settle!: { readonly resolve: () => void; readonly reject: (error: Error) => void };
  private readonly sql: string;
  private readonly data: string;

  constructor(sql: string, data: string) {
    this.sql = sql;
    this.data = data;
    this.done = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
  }

  /** Called by pg when the connection is free. */
  submit(connection: Connection): void {
    connection.query(this.sql);
  }

  handleCopyInResponse(connection: FeedableConnection): void {
    connection.sendCopyFromChunk(Buffer.from(this.data));
    connection.endCopyFrom();
  }

  handleError(error: Error): void {
    this.settle.reject(error);
  }

  handleReadyForQuery(): void {
    this.settle.resolve();
  }

  /** How many rows came is of no interest. */
  handleCommandComplete(): boolean {
    return true;
  }
}

/** What pg's types leave out of a Connection. */
interface FeedableConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}
