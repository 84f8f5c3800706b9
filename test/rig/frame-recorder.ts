import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it came. */
export interface RecordedFrame {
  readonly id: string;
  readonly token: string;
  readonly count: number;
  readonly authorization: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  /** Epoch milliseconds. */
  readonly at: number;
  /** What was answered: a status, or what was done instead. */
  readonly answer: Answer;
}

/** A status; 'cut' breaks the connection after the frame was kept, 'hang' keeps it and never answers. */
export type Answer = number | 'cut' | 'hang';

/** A real HTTP server that keeps every frame it read to the end, and answers as it is told. */
export class FrameRecorder {
  readonly frames: RecordedFrame[] = [];
  /** Asked at each request; 204 where it is not set. */
  decide: () => Answer = () => 204;
  /** The most requests that were open at one time. */
  mostOpen = 0;
  #open = 0;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
    this.#server.keepAliveTimeout = 60_000;
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Frames that a receiver would have stored: all but those it refused or could not store. */
  get stored(): RecordedFrame[] {
    return this.frames.filter(({ answer }) => typeof answer === 'string' || answer < 300);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.#open);
    response.on('close', () => {
      this.#open -= 1;
    });
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch (error) {
      // A sender that was killed in the middle of a frame: nothing of it counts.
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return;
      throw error;
    }
    const answer = this.decide();
    const { headers } = request;
    this.frames.push({
      id: String(headers['logplex-frame-id']),
      token: String(headers['logplex-drain-token']),
      count: Number(headers['logplex-msg-count']),
      authorization: headers.authorization,
      headers,
      body: Buffer.concat(chunks),
      at: Date.now(),
      answer,
    });
    if (answer === 'hang') return;
    if (answer === 'cut') request.socket.destroy();
    else response.writeHead(answer, { 'Content-Length': 0 }).end();
  }
}
