#!/usr/bin/env node
import "../bundle/tsh.js";
