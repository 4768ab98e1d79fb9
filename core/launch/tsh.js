#!/usr/bin/env node
import "../../dist/bin/tsh.js";
