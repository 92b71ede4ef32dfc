/* worker/tool/warden.h
 *
 * `quarry-worker --tool`: a process that runs one foreign program on one file after the other and
 * answers with what that wrote. It has one thread, so it may fork, and it outlives whatever the
 * program does; when the worker goes, it ends the program, removes its folder and goes too.
 *
 * It never looks into a file: it copies bytes and passes descriptors.
 */
#pragma once

/** Speaks worker/tool/wire.h over descriptor 3. Returns an exit code. */
int qr_tool_warden_main(void);
