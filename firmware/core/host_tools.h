/*
 * Tools that the host runs (tools.serve): their definitions, offered to the model beside those of
 * the device. They last until the device restarts. Core task.
 */
#ifndef TC_HOST_TOOLS_H
#define TC_HOST_TOOLS_H

#include <stdbool.h>
#include <stdint.h>

#include "json_read.h"

/** Bytes of the definitions as JSON, brackets included. */
#define TC_HOST_TOOLS_JSON 8192u
/** Definitions at once. */
#define TC_HOST_TOOLS_MAX 64u
/** Milliseconds that the host has for a call, where it does not say. */
#define TC_HOST_TOOLS_TIMEOUT 10000u

void tc_host_tools_init(void);
/**
 * Takes this JSON array in the place of the former: objects of type ("function"), name (1 to 64 of
 * A-Z a-z 0-9 _ -), description and parameters, the last two optional. Returns NULL, or a sentence
 * that says what is wrong; then the former stand.
 */
const char *tc_host_tools_serve(tc_span list, uint32_t timeout_ms);
/** The elements of the array, with commas between them. */
tc_span tc_host_tools(void);
uint32_t tc_host_tools_count(void);
uint32_t tc_host_tools_timeout(void);
bool tc_host_tools_have(const char *name);
/** Whether it is the name of a tool of the device, offered or not. */
bool tc_device_tools_have(const char *name);

#endif
