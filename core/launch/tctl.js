#!/usr/bin/env node
import "../../dist/bin/tctl.js";
