// All of SPDK's headers that the engine uses, in one place: nothing else includes one.
#pragma once

#include <spdk/bdev.h>
#include <spdk/env.h>
#include <spdk/init.h>
#include <spdk/json.h>
#include <spdk/log.h>
#include <spdk/module/bdev/nvme.h>
#include <spdk/rpc.h>
#include <spdk/thread.h>
#include <spdk/version.h>
