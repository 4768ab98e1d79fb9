#!/usr/bin/env node
import "../../dist/bin/teleport.js";
