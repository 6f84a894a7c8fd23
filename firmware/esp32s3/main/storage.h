/* tc_port_kv_*: NVS, namespace "tincan". */
#ifndef STORAGE_H
#define STORAGE_H

/**
 * Opens the NVS partition. Where that fails the device runs on without storage, each call answers
 * TC_ERR_STORAGE, and the partition stays as it is: what looks broken to this image may be a
 * newer image's settings.
 */
void storage_init(void);

#endif
