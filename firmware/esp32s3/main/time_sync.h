/* The calendar: certificates have dates, so TLS needs one. */
#ifndef TIME_SYNC_H
#define TIME_SYNC_H

/** Sets the calendar to the build's date, if it stands before it. */
void time_sync_init(void);
/** Asks SNTP servers from now on; once is enough. Needs a network. */
void time_sync_start(void);

#endif
