/** What of libpg-query's emscripten module is used here; its own typings leave the module out. */
declare module 'libpg-query/wasm/libpg-query.js' {
  export interface PgQueryModule {
    readonly HEAPU8: Uint8Array;
    readonly HEAPU32: Uint32Array;
    UTF8ToString(pointer: number): string;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    /** Parses a C string; gives a pointer to `{ char *tree; char *stderr; PgQueryError *error }`. */
    _wasm_parse_query_raw(query: number): number;
    _wasm_free_parse_result(result: number): void;
  }
  const instantiate: (options: {
    instantiateWasm(
      imports: WebAssembly.Imports,
      done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
    ): object;
    print(text: string): void;
    printErr(text: string): void;
  }) => Promise<PgQueryModule>;

  // biome-ignore lint/style/noDefaultExport: it is a CommonJS module, so this is all it exports
  export { instantiate as default };
}

/** Node has it; the types of Node 20 name its types alone. */
declare var WebAssembly: {
  compile(bytes: Uint8Array): Promise<WebAssembly.Module>;
  readonly Instance: new (
    module: WebAssembly.Module,
    imports: WebAssembly.Imports,
  ) => WebAssembly.Instance;
};
