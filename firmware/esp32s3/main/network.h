/* The one network interface: Wi-Fi station, or the emulator's Ethernet. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"
#include "esp_netif.h"

/** Starts the TCP/IP stack, the event loop and the interface; joins nothing yet. */
void network_init(void);
/** Whether the interface has an address. Any task. */
bool network_is_up(void);
/** Copies the interface's IPv4 address, most significant byte first; false without one. Any task.
 */
bool network_address(uint8_t out[4]);

/* What wifi.c and openeth.c give to network.c. */

/** Makes the driver and its interface. */
esp_netif_t *link_init(void);
/** Begins to join; the answer comes by network_down() or an address. 0 or a negative tc_err. */
int link_join(const char *ssid, const char *password);
void link_leave(void);
/** See tc_port_radio_rest(). */
void link_rest(bool rest);
/** See tc_port_wifi_scan(). */
int link_scan(void);

/** Called by them when a network that was asked for could not be joined, or is lost. */
void network_down(tc_wifi_reason reason);

#endif
