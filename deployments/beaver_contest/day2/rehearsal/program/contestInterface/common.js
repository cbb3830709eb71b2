window.commonJsVersion = 2;
