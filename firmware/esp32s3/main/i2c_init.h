/* The I2C bus, and what the board's power chips and port expanders must be told at boot. */
#ifndef I2C_INIT_H
#define I2C_INIT_H

#include <stdbool.h>

#include "driver/i2c_master.h"

/** Makes the bus and does the board's list of writes in order. A chip that does not answer is
 * logged, and the others are still told. Once. */
void i2c_init(void);
/** The bus; NULL where there is none. */
i2c_master_bus_handle_t i2c_bus(void);
/** Whether the bus works and all chips of the list answered. */
bool i2c_good(void);

#endif
