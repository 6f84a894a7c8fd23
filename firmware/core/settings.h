/*
 * The settings: one struct, generated from shared-protocol/src/settings.ts, loaded from storage,
 * changed on the running device in one commit.
 *
 * A commit is safe against a power cut: all staged values are first written as ONE blob (key
 * "journal"), then each to its own key, then the blob is removed. At start a blob that is still
 * there is applied again. So a reader finds the old settings or the new, never a mixture.
 */
#ifndef TC_SETTINGS_H
#define TC_SETTINGS_H

#include "../generated/settings_gen.h" /* tc_settings, tc_setting_id, tc_setting_info, TC_SETTING_COUNT, tc_setting_table */
#include "err.h"
#include "json_read.h"
#include "json_write.h"

/** Loads defaults, applies a journal that was left, loads what is stored. A stored value over its
 * limit is ignored with a log line. */
void tc_settings_init(void);
/** The settings in force. */
const tc_settings *tc_settings_get(void);
/** Whether all required settings are there. */
bool tc_settings_complete(void);
/** Whether they are there but for the token, which a host may lend. */
bool tc_settings_complete_but_token(void);

/** Stages the members of the JSON object `values`; null means the default. On an error nothing of
 * this call is staged, and `name`, if not NULL, receives the setting at fault. Returns
 * TC_ERR_NOT_FOUND, _TYPE, _SIZE, _RANGE, _FORMAT. */
tc_err tc_settings_stage(tc_span values, char *name, size_t capacity);
void tc_settings_discard(void);
/** Writes what is staged and makes it valid. `changed` receives a bit per setting whose value is
 * new (word id/32, bit id%32). */
tc_err tc_settings_commit(uint32_t changed[(TC_SETTING_COUNT + 31) / 32]);
/*
 * A trial: what is staged is in force, but nowhere but in RAM. A power cut ends it as
 * tc_settings_trial_drop does. Nothing may be staged meanwhile.
 */

/** Begins one. `changed` as for tc_settings_commit. */
void tc_settings_trial_begin(uint32_t changed[(TC_SETTING_COUNT + 31) / 32]);
bool tc_settings_trial_runs(void);
/** Ends it with a commit; where that fails, too, the former settings are in force again. */
tc_err tc_settings_trial_keep(void);
/** Ends it: the former settings are in force again. */
void tc_settings_trial_drop(void);

/** Writes the value of one setting: secrets as {set, salt, fingerprint}. */
void tc_settings_write(tc_json_writer *writer, tc_setting_id id);

#endif
