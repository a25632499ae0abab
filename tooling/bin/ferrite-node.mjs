#!/usr/bin/env node
import { launch } from './launch.mjs';

launch('ferrite-node', 'apps/node-server/dist/main.js');
