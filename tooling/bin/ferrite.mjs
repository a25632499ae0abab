#!/usr/bin/env node
import { launch } from './launch.mjs';

launch('ferrite', 'apps/cli/dist/main.js');
