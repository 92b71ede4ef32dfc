/* worker/agent/agent.h
 *
 * The worker as a member of the fleet: takes leases, fetches files, has them extracted, returns
 * results. One thread, one poll loop; blocking things (opening files, the RPC library) live on
 * threads that post letters. Design: docs/worker.md.
 */
#pragma once

/** Main of `quarry-worker` without a mode: parses the options, runs until told to stop. Exit codes:
 *  0 ended as asked, 1 failed, 2 usage, 4 no coordinator and --exit-when-unreachable. */
int qr_agent_main(int argc, char **argv);
