/*
 * Tools: shared-protocol/src/tools.ts declares them; generated/tools_gen.{h,c} hold the argument
 * structs, their parsers, the handler prototypes and tc_tools_json (the `tools` array of
 * session.update). A handler is ten lines in tool_*.c.
 */
#ifndef TC_TOOLS_H
#define TC_TOOLS_H

#include "../generated/tools_gen.h"
#include "err.h"
#include "json_read.h"
#include "json_write.h"

/**
 * Runs one call. `arguments` is the JSON text of the arguments, unescaped. Writes the output, a
 * JSON object, into `output`: the handler's, or {"error": "…"} naming what is wrong with the
 * arguments, so that the model can act on it. Returns TC_OK when a handler ran, TC_ERR_NOT_FOUND
 * for an unknown tool, else the parser's error.
 */
tc_err tc_tools_run(const char *name, const char *arguments, size_t length, tc_json_writer *output);

#endif
