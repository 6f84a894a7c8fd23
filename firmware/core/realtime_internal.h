/* What the writers of events share: realtime_write.c, realtime_session.c. */
#ifndef TC_REALTIME_INTERNAL_H
#define TC_REALTIME_INTERNAL_H

#include "realtime.h"

/** Opens an event: its type, and "tc_<n>" as event_id. */
void realtime_begin(tc_json_writer *w, const char *type, uint32_t event_id);
/** Closes it. TC_OK, or TC_ERR_SIZE where it did not fit. */
tc_err realtime_end(tc_json_writer *w);

#endif
