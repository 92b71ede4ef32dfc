/* cadbridge/bridge.h
 *
 * The bridge as a member of the fleet: one thread and a poll loop; calls and imports on threads of
 * their own (slots.h), its state reported by another (report.h). Design: docs/bridge.md.
 */
#pragma once

/** Main of quarry-cadbridge. Exit codes: those of quarry-worker. */
int qr_bridge_main(int argc, char **argv);
